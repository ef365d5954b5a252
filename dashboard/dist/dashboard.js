var n=0;export{n as nothing};
